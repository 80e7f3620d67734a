import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Hostnames = () => <Page title={shell.nav.hostnames}>{null}</Page>
