interface Drawing {
  title: string
  width: number
  height: number
  styles: readonly string[]
  parts: readonly string[]
}

/** Returns an SVG. */
export function drawing({ title, width, height, styles, parts }: Drawing): string {
  const font = 'font-family="system-ui, sans-serif" font-size="13"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ${font}>
<title>${title}</title>
<style>
${styles.join('\n')}
</style>
${parts.join('\n')}
</svg>
`
}
