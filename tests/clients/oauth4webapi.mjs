// oauth4webapi, unchanged, through everything that it can do and the cloud offers.
import * as oauth from 'oauth4webapi'
import { EXCHANGE, keyed, must, question, shown, signing, typed, visited, world } from './conversation.mjs'

const issuer = new URL(world.issuer)
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' })
const as = await oauth.processDiscoveryResponse(issuer, found)
shown('authorization server metadata')
const resource = await oauth.processResourceDiscoveryResponse(
  issuer,
  await oauth.resourceDiscoveryRequest(issuer),
)
must(resource.authorization_servers.includes(as.issuer), 'the resource names its server')
shown('resource metadata')

/** Send; once more where the server wants its nonce in the proof. */
async function nonced(send, read) {
  try {
    return await read(await send())
  } catch (error) {
    must(oauth.isDPoPNonceError(error), error.message)
    shown('DPoP nonces')
    return read(await send())
  }
}

async function holder(client) {
  return oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
}

async function tokensTold(client, auth, token) {
  const introspect = async () =>
    oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token))
  must((await introspect()).active === true, 'a living token is active')
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token))
  must((await introspect()).active === false, 'a revoked token is not')
  shown('introspection', 'revocation')
}

async function computer() {
  const client = { client_id: world.computer.client_id }
  const auth = oauth.PrivateKeyJwt(await signing(world.computer), { [oauth.modifyAssertion]: typed })
  const DPoP = await holder(client)
  const token = await nonced(
    () => oauth.genericTokenEndpointRequest(as, client, auth, EXCHANGE, keyed(), { DPoP }),
    (response) => oauth.processGenericTokenEndpointResponse(as, client, response),
  )
  must(token.token_type === 'dpop', 'the token is bound')
  shown('token exchange', 'private_key_jwt')
  const headers = new Headers({ 'content-type': 'application/json' })
  const ask = () =>
    oauth.protectedResourceRequest(
      token.access_token, 'POST', new URL('/settings/query', issuer), headers, question, { DPoP },
    )
  const answer = await nonced(ask, async (response) => response)
  must(answer.status === 200 && 'preferences' in (await answer.json()), 'settings come back')
  shown('a DPoP-bound token at the resource')
  await tokensTold(client, auth, token.access_token)
}

async function job() {
  const client = { client_id: world.job.client_id }
  const auth = oauth.PrivateKeyJwt(await signing(world.job))
  const DPoP = await holder(client)
  const token = await nonced(
    () => oauth.clientCredentialsGrantRequest(as, client, auth, {}, { DPoP }),
    (response) => oauth.processClientCredentialsResponse(as, client, response),
  )
  must(token.token_type === 'dpop', 'the token is bound')
  shown('client credentials', 'assertion without typ')
  await tokensTold(client, auth, token.access_token)
}

async function application({ client_id, redirect_uri }, auth, asked, DPoP) {
  const client = { client_id }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const wish = {
    client_id, redirect_uri, state, response_type: 'code', scope: 'account:read',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  }
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams(await asked(client, wish)).toString()
  const back = oauth.validateAuthResponse(as, client, await visited(url), state)
  must(as.authorization_response_iss_parameter_supported, 'answers say who answers')
  const token = await nonced(
    () => oauth.authorizationCodeGrantRequest(as, client, auth, back, redirect_uri, verifier, { DPoP }),
    (response) => oauth.processAuthorizationCodeResponse(as, client, response),
  )
  must(token.token_type === (DPoP ? 'dpop' : 'bearer'), 'the type of the token')
  const account = await oauth.protectedResourceRequest(
    token.access_token, 'GET', new URL('/api/v1/account', issuer), undefined, undefined, { DPoP },
  )
  must((await account.json()).name === world.person, 'the account is the person’s')
  shown('iss in the answer (RFC 9207)')
  await tokensTold(client, auth, token.access_token)
}

async function pushing() {
  const auth = oauth.PrivateKeyJwt(await signing(world.web))
  const DPoP = await holder({})
  await application(world.web, auth, async (client, wish) => {
    const { request_uri } = await nonced(
      () => oauth.pushedAuthorizationRequest(as, client, auth, wish, { DPoP }),
      (response) => oauth.processPushedAuthorizationResponse(as, client, response),
    )
    return { client_id: client.client_id, request_uri }
  }, DPoP)
  shown('authorization code, PKCE, PAR', 'DPoP-bound code')
}

async function plain() {
  const auth = oauth.ClientSecretBasic(world.plain.secret)
  await application(world.plain, auth, async (_client, wish) => wish)
  shown('authorization code, PKCE', 'client_secret_basic')
}

if (world.computer) await computer()
if (world.job) await job()
if (world.web) await pushing()
if (world.plain) await plain()
process.exit(0)
