import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Administration = () => <Page title={shell.nav.administration}>{null}</Page>
