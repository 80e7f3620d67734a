import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Domains = () => <Page title={shell.nav.domains}>{null}</Page>
