import { useEffect, useState } from 'preact/hooks'

/** Milliseconds for which the button says `Copied`. */
const COPIED_TIME = 2_000

/** Copies a text, also in pages loaded over plain HTTP, where browsers have no clipboard API. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return undefined
    const timer = setTimeout(() => setCopied(false), COPIED_TIME)
    return () => clearTimeout(timer)
  }, [isCopied])
  return (
    <button type="button" class="quiet" onClick={() => void copy(text).then(setCopied)}>
      <span aria-live="polite">{isCopied ? 'Copied' : label}</span>
    </button>
  )
}

async function copy(text: string): Promise<boolean> {
  // Missing in insecure contexts, although its type says otherwise.
  const { clipboard } = navigator as { clipboard?: Clipboard }
  try {
    if (clipboard !== undefined) {
      await clipboard.writeText(text)
      return true
    }
  } catch {
    // Not permitted: `execCommand` may still work.
  }
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  return isCopied
}
