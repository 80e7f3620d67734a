import { join } from "node:path"
import { findProgram } from "../lab/dns"
import { freePort } from "../lab/ports"
import { type LabProcess, startProcess, temporaryFolder } from "../lab/process"

export const prometheusObstacle = ["prometheus", "promtool"]
  .map((name) => (findProgram(name) ? undefined : `${name} is not installed`))
  .find(Boolean)

export type Alert = { labels: Record<string, string>; annotations: Record<string, string>; state: "pending" | "firing" }

/** Debian's Prometheus, watching one target every second by rules that are given as a file's text. */
export class PrometheusLab {
  private constructor(
    private url: string,
    private process: LabProcess,
    private folder: { path: string; remove(): Promise<void> },
  ) {}

  static async start(target: string, rules: string): Promise<PrometheusLab> {
    const folder = await temporaryFolder("prometheus")
    const port = await freePort("127.0.0.1")
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      scrape_configs: [{ job_name: "freehold", static_configs: [{ targets: [target] }] }],
      rule_files: ["rules.yml"],
    }
    await Bun.write(join(folder.path, "rules.yml"), rules)
    // JSON is YAML.
    await Bun.write(join(folder.path, "prometheus.yml"), JSON.stringify(config))
    const url = `http://127.0.0.1:${port}`
    const places = [`--config.file=${folder.path}/prometheus.yml`, `--storage.tsdb.path=${folder.path}/data`]
    try {
      const command = ["prometheus", ...places, `--web.listen-address=127.0.0.1:${port}`]
      const process = await startProcess({ name: "prometheus", command, ready: async () => (await fetch(`${url}/-/ready`)).ok })
      return new PrometheusLab(url, process, folder)
    } catch (error) {
      await folder.remove()
      throw error
    }
  }

  /** The values of an instant query; throws with Prometheus' own words where it takes the expression for none. */
  async query(expression: string): Promise<number[]> {
    const answer = await this.ask<{ result: { value: [number, string] }[] }>(`/api/v1/query?${new URLSearchParams({ query: expression })}`)
    return answer.result.map(({ value }) => Number(value[1]))
  }

  async alerts(name: string): Promise<Alert[]> {
    const { alerts } = await this.ask<{ alerts: Alert[] }>("/api/v1/alerts")
    return alerts.filter(({ labels }) => labels.alertname === name)
  }

  async stop(): Promise<void> {
    await this.process.stop()
    await this.folder.remove()
  }

  private async ask<T>(path: string): Promise<T> {
    const answer = (await (await fetch(this.url + path)).json()) as { status: string; error?: string; data: T }
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`)
    return answer.data
  }
}
