// One script and its test: lines of JSON, the world first; then each feature once it was shown.
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const heard = async () => JSON.parse((await lines.next()).value)
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

export const world = await heard()

/** Say that this was seen to work. */
export const shown = (...features) => features.forEach((feature) => say({ shown: feature }))

/** Let a person go to an address in their browser; return the address that they came back to. */
export async function visited(url) {
  say({ visit: url.href })
  return new URL((await heard()).back)
}

export function must(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`)
}

/** A client's private key, as a library takes it. */
export async function signing({ kid, jwk }) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  return { kid, key: await webcrypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']) }
}

/** An installation says of what kind its assertion is (RFC 7523bis); an application need not. */
export const typed = (header) => {
  header.typ = 'client-authentication+jwt'
}

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const keyed = () => ({
  subject_token: world.gpii_key,
  subject_token_type: 'urn:gpii:params:oauth:token-type:gpii-key',
  scope: 'settings:read',
})
export const question = JSON.stringify({ device: { OS: { id: 'linux' }, solutions: [] } })
