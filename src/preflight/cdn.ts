import { isWithin } from "../hostname"
import { isInRanges, rangesOf } from "./address"
import { type Cdn, cdns } from "./cdn-data"

/** Finds the content delivery network that an address or the target of a CNAME belongs to. */
export class CdnFinder {
  private ranges = cdns.map((cdn) => ({ cdn, ranges: rangesOf(cdn.ranges) }))

  ofAddress(address: string): Cdn | undefined {
    return this.ranges.find(({ ranges }) => isInRanges(address, ranges))?.cdn
  }

  ofName(name: string): Cdn | undefined {
    return cdns.find(({ suffixes }) => suffixes.some((suffix) => isWithin(name, suffix)))
  }
}
