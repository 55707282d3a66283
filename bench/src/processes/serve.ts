/** What a process of a trial does for the one that started it: each command takes and returns what JSON can say. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>

/** The answer to a command. */
export type AnswerOf<All extends Commands, Name extends keyof All> = Awaited<ReturnType<All[Name]>>

/** Something that carries out commands elsewhere: in another process, or in a page. */
export interface Remote<All extends Commands> {
  call<Name extends keyof All & string>(name: Name, ...argument: Parameters<All[Name]>): Promise<AnswerOf<All, Name>>
}

/** A command on its way. */
export interface Call {
  name: string
  argument: unknown
}

/** Returns what the process was started with. From now on it ends with the process that started it. */
export function setupOf<Setup>(): Setup {
  endWithParent()
  return JSON.parse(process.argv[2] ?? '') as Setup // written by the process that started this one
}

export function endWithParent(): void {
  process.on('disconnect', () => process.exit())
}

/** Tells that the process is ready, then carries out commands. A failure ends the process, which fails the trial. */
export function serve(commands: Commands): void {
  process.on('message', ({ name, argument }: Call) => {
    const command = commands[name] as ((argument: unknown) => unknown) | undefined // called with what its type asks for
    void Promise.resolve(command?.(argument)).then((answer) => process.send?.(answer ?? null))
  })
  process.send?.('ready')
}

/** Returns milliseconds by a clock that all processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Something that others wait for. */
export class Condition {
  readonly #looks = new Set<() => void>()

  /** Has all who wait look again. */
  changed(): void {
    for (const look of this.#looks) look()
  }

  /** Returns the first value that is not undefined, now or after a change. */
  until<Value>(look: () => Value | undefined): Promise<Value> {
    return new Promise((resolve) => {
      const tryNow = () => {
        const value = look()
        if (value === undefined) return
        this.#looks.delete(tryNow)
        resolve(value)
      }
      this.#looks.add(tryNow)
      tryNow()
    })
  }
}
