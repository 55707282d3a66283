/** One figure of what a server tells its operator. @throws {Error} if there is none of that name */
export async function readMetric(port: number, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const figure = new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text())?.[1]
  if (figure === undefined) throw new Error(`the metrics do not tell of ${name}`)
  return Number(figure)
}
