import { Page } from "../../parts/page"
import { shell } from "../../words/shell"

export const Home = () => <Page title={shell.nav.home}>{null}</Page>
