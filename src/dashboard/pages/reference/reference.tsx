import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Reference = () => <Page title={shell.nav.reference}>{null}</Page>
