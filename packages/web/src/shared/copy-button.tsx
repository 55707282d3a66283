import { useEffect, useState } from 'preact/hooks'

/** Milliseconds that a success is shown. */
const SHOWN_FOR = 2_000

/** Copies a text; also in pages that came over plain HTTP, where there is no clipboard API. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return undefined
    const timer = setTimeout(() => setCopied(false), SHOWN_FOR)
    return () => clearTimeout(timer)
  }, [isCopied])
  return (
    <button type="button" class="quiet" onClick={() => void copy(text).then(setCopied)}>
      <span aria-live="polite">{isCopied ? 'Copied' : label}</span>
    </button>
  )
}

async function copy(text: string): Promise<boolean> {
  // Missing in insecure contexts, whatever the types say.
  const { clipboard } = navigator as { clipboard?: Clipboard }
  try {
    if (clipboard !== undefined) {
      await clipboard.writeText(text)
      return true
    }
  } catch {
    // The browser does not let the page use it: the old way may work.
  }
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  return isCopied
}
