import { accounts } from "./accounts"
import { administration, server } from "./administration"
import { backup } from "./backups"
import { compute } from "./compute"
import { computeParts } from "./compute-parts"
import { connectApplications } from "./connect"
import { connectAccount } from "./connect-account"
import { connections } from "./connections"
import { connectionTraffic, mappingTraffic } from "./hostname-traffic"
import { hostnameViews } from "./hostname-views"
import { house, overview } from "./house"
import { networking } from "./networking"
import { type Family, families, type Operation, type Operations } from "./operation"
import { ownedDomains } from "./owned-domains"
import { secondFactors } from "./second-factors"
import { storage, uploads } from "./storage"
import { storageAdmin } from "./storage-admin"
import { storageFiles } from "./storage-files"

const byFamily: Record<Family, Operations> = {
  Accounts: { ...accounts, ...secondFactors },
  Networking: { ...ownedDomains, ...networking, ...mappingTraffic, ...hostnameViews },
  Compute: { ...compute, ...computeParts },
  Storage: { ...storageFiles, ...storage, ...storageAdmin, ...uploads },
  Connect: { ...connectApplications, ...connections, ...connectionTraffic, ...connectAccount },
  Administration: { ...administration, ...house, ...backup },
  Server: { ...server, ...overview },
}

/** Every operation with its family, in the order of the reference. */
export const operations: readonly (Operation & { route: string; family: Family })[] = families.flatMap((family) =>
  Object.entries(byFamily[family]).map(([route, operation]) => Object.assign({ route, family }, operation)),
)
