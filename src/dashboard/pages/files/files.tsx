import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Files = () => <Page title={shell.nav.files}>{null}</Page>
