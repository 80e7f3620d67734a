import { Elysia } from "elysia"

/** What everybody may read: the root certificate of the built-in CA, for devices that are to trust names in private zones. */
export const publicRoutes = (rootPem: () => Promise<string>) =>
  new Elysia({ name: "public-routes" }).get("/ca.pem", async () => {
    const headers = { "content-type": "application/x-pem-file", "content-disposition": 'attachment; filename="freehold-ca.pem"' }
    return new Response(await rootPem(), { headers })
  })
