/** In a process of a trial: tells that it is ready, then answers commands. What fails ends the process, which fails the trial. */
export function serve<Command, Answer>(ready: unknown, answer: (command: Command) => Promise<Answer> | Answer): void {
  process.on('message', (command: Command) => {
    void Promise.resolve(answer(command)).then((answered) => process.send?.(answered))
  })
  process.send?.(ready)
}

/** What the process was started with. From now on it ends when the one that started it is gone, ready or not. */
export function setupOf<Setup>(): Setup {
  process.on('disconnect', () => process.exit())
  return JSON.parse(process.argv[2] ?? '') as Setup // written by the process that started this one
}
