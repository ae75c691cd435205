// pg-boss, told what to do: each line of standard input is {"id", "call", "args"}, a method of a PgBoss object; each line
// of standard output its answer, {"id", "result"} or {"id", "error"}. The call "work" installs a handler that does what
// a job's data says: {"seconds": how long, "failures": how many attempts fail}. Ends with standard input.
//
// node boss.mjs NODE_MODULES PACKAGE CONNECTION_STRING '{"options": "of PgBoss"}'

import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const [modules, name, connectionString, options] = process.argv.slice(2)
const { PgBoss } = await import(pathToFileURL(createRequire(`${modules}/`).resolve(name)))
const boss = new PgBoss({ connectionString, ...JSON.parse(options) })
boss.on('error', error => console.error(error))

const database = new URL(connectionString).pathname.slice(1)

// As demo/engines/diary.py says.
function note (job, outcome) {
  if (process.env.WORK_DIARY) appendFileSync(process.env.WORK_DIARY, `${database} ${job} ${outcome}\n`)
}

async function handle ([{ id, data, retryCount, signal }]) {
  await sleep((data?.seconds ?? 0) * 1000, undefined, { signal })
  const fails = retryCount < (data?.failures ?? 0)
  note(id, fails ? 'failed' : 'completed')
  if (fails) throw new Error('failed as told')
}

async function answer ({ id, call, args }) {
  try {
    const result = call === 'work'
      ? await boss.work(args[0], { includeMetadata: true, ...args[1] }, handle)
      : await boss[call](...args)
    console.log(JSON.stringify({ id, result: call === 'start' ? null : result }))
  } catch (error) {
    console.log(JSON.stringify({ id, error: String(error) }))
  }
}

for await (const line of createInterface({ input: process.stdin })) answer(JSON.parse(line))
await boss.stop({ graceful: false, timeout: 1000 })
process.exit(0)
