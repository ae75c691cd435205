// Graphile Worker over one database, until standard input ends. A job does what its payload says: {"seconds": how long,
// "failures": how many attempts fail}. Each line of standard output is JSON: {"ready": true} first, then a {"success": task}
// for each job that came to its end.
//
// node worker.mjs NODE_MODULES CONNECTION_STRING CONCURRENCY TASK…    (no task: makes the tables and ends)

import { EventEmitter } from 'node:events'
import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const [modules, connectionString, concurrency, ...tasks] = process.argv.slice(2)
const { Logger, run, runMigrations } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('graphile-worker')))
const quiet = new Logger(() => (level, message) => { if (level === 'error') console.error(message) })
const say = what => console.log(JSON.stringify(what))

const database = new URL(connectionString).pathname.slice(1)

// As demo/engines/diary.py says.
function note (job, outcome) {
  if (process.env.WORK_DIARY) appendFileSync(process.env.WORK_DIARY, `${database} ${job} ${outcome}\n`)
}

async function work ({ seconds = 0, failures = 0 }, { job }) {
  await sleep(seconds * 1000)
  const fails = job.attempts <= failures
  note(job.id, fails ? 'failed' : 'completed')
  if (fails) throw new Error('failed as told')
}

if (tasks.length === 0) {
  await runMigrations({ connectionString, logger: quiet })
  process.exit(0)
}
const events = new EventEmitter()
events.on('job:success', ({ job }) => say({ success: job.task_identifier }))
await run({
  connectionString,
  concurrency: Number(concurrency),
  pollInterval: 2000,
  noHandleSignals: true,
  crontab: ' ',
  taskList: Object.fromEntries(tasks.map(task => [task, work])),
  events,
  logger: quiet
})
say({ ready: true })
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
