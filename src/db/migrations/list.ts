import type { Migration } from "kysely/migration"
import { first } from "./0001-first"
import { mappingOptions } from "./0002-mapping-options"
import { traffic } from "./0003-traffic"
import { twoFactor } from "./0004-two-factor"
import { administration } from "./0005-administration"
import { containers } from "./0006-containers"
import { ssh } from "./0007-ssh"
import { connect } from "./0010-connect"
import { connectionLinks } from "./0012-connection-links"
import { storage } from "./0013-storage"
import { issuanceLedger } from "./0015-issuance-ledger"
import { connectionTraffic } from "./0014-connection-traffic"
import { watch } from "./0016-watch"
import { openOrders } from "./0019-open-orders"
import { putOffOrders } from "./0020-put-off-orders"
import { webhooks } from "./0008-webhooks"
import { timeline } from "./0009-timeline"
import { writtenRecords } from "./0017-written-records"

/** Every migration by name, embedded in the binary; names sort in the order they run. */
export const migrations: Record<string, Migration> = {
  "0001-first": first,
  "0002-mapping-options": mappingOptions,
  "0003-traffic": traffic,
  "0004-two-factor": twoFactor,
  "0005-administration": administration,
  "0006-containers": containers,
  "0007-ssh": ssh,
  "0010-connect": connect,
  "0008-webhooks": webhooks,
  "0009-timeline": timeline,
  "0012-connection-links": connectionLinks,
  "0013-storage": storage,
  "0017-written-records": writtenRecords,
  "0015-issuance-ledger": issuanceLedger,
  "0014-connection-traffic": connectionTraffic,
  "0016-watch": watch,
  "0019-open-orders": openOrders,
  "0020-put-off-orders": putOffOrders,
}
