import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Containers = () => <Page title={shell.nav.containers}>{null}</Page>
