import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Access = () => <Page title={shell.nav.access}>{null}</Page>
