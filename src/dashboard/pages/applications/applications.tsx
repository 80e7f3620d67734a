import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Applications = () => <Page title={shell.nav.applications}>{null}</Page>
