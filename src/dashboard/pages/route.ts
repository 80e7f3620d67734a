import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router"

/** A page at an address, whose code is loaded when somebody goes there. `name` is what its module exports. */
export const page = (parent: AnyRoute, path: string, load: () => Promise<Record<string, unknown>>, name: string): AnyRoute =>
  createRoute({ getParentRoute: () => parent, path, component: lazyRouteComponent(load as never, name as never) }) as unknown as AnyRoute
