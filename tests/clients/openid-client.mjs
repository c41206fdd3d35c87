// openid-client, unchanged, through everything that it can do and the cloud offers.
import * as oauth from 'openid-client'
import { EXCHANGE, keyed, must, question, shown, signing, typed, visited, world } from './conversation.mjs'

const issuer = new URL(world.issuer)

async function configured(client_id, auth) {
  const configuration = await oauth.discovery(issuer, client_id, {}, auth, { algorithm: 'oauth2' })
  shown('authorization server metadata')
  return configuration
}

async function holder(configuration) {
  return oauth.getDPoPHandle(configuration, await oauth.randomDPoPKeyPair('ES256'))
}

async function tokensTold(configuration, token) {
  must((await oauth.tokenIntrospection(configuration, token)).active, 'a living token is active')
  await oauth.tokenRevocation(configuration, token)
  must(!(await oauth.tokenIntrospection(configuration, token)).active, 'a revoked token is not')
  shown('introspection', 'revocation')
}

async function computer() {
  const auth = oauth.PrivateKeyJwt(await signing(world.computer), { [oauth.modifyAssertion]: typed })
  const configuration = await configured(world.computer.client_id, auth)
  const DPoP = await holder(configuration)
  const token = await oauth.genericGrantRequest(configuration, EXCHANGE, keyed(), { DPoP })
  must(token.token_type === 'dpop', 'the token is bound')
  shown('token exchange', 'private_key_jwt', 'DPoP nonces')
  const answer = await oauth.fetchProtectedResource(
    configuration, token.access_token, new URL('/settings/query', issuer), 'POST', question,
    new Headers({ 'content-type': 'application/json' }), { DPoP },
  )
  must(answer.status === 200 && 'preferences' in (await answer.json()), 'settings come back')
  shown('a DPoP-bound token at the resource')
  await tokensTold(configuration, token.access_token)
}

async function job() {
  const auth = oauth.PrivateKeyJwt(await signing(world.job))
  const configuration = await configured(world.job.client_id, auth)
  const DPoP = await holder(configuration)
  const token = await oauth.clientCredentialsGrant(configuration, {}, { DPoP })
  must(token.token_type === 'dpop', 'the token is bound')
  shown('client credentials', 'assertion without typ')
  await tokensTold(configuration, token.access_token)
}

async function application({ redirect_uri }, configuration, asked, DPoP) {
  const verifier = oauth.randomPKCECodeVerifier()
  const state = oauth.randomState()
  const back = await visited(await asked({
    redirect_uri, state, scope: 'account:read',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  }))
  const checks = { pkceCodeVerifier: verifier, expectedState: state }
  const token = await oauth.authorizationCodeGrant(configuration, back, checks, {}, { DPoP })
  must(token.token_type === (DPoP ? 'dpop' : 'bearer'), 'the type of the token')
  const account = await oauth.fetchProtectedResource(
    configuration, token.access_token, new URL('/api/v1/account', issuer), 'GET', undefined, undefined, { DPoP },
  )
  must((await account.json()).name === world.person, 'the account is the person’s')
  must(configuration.serverMetadata().authorization_response_iss_parameter_supported, 'answers say who answers')
  shown('iss in the answer (RFC 9207)')
  await tokensTold(configuration, token.access_token)
}

async function pushing() {
  const configuration = await configured(world.web.client_id, oauth.PrivateKeyJwt(await signing(world.web)))
  const DPoP = await holder(configuration)
  const asked = (wish) => oauth.buildAuthorizationUrlWithPAR(configuration, wish, { DPoP })
  await application(world.web, configuration, asked, DPoP)
  shown('authorization code, PKCE, PAR', 'DPoP-bound code')
}

async function plain() {
  const configuration = await configured(world.plain.client_id, oauth.ClientSecretBasic(world.plain.secret))
  await application(world.plain, configuration, (wish) => oauth.buildAuthorizationUrl(configuration, wish))
  shown('authorization code, PKCE', 'client_secret_basic')
}

if (world.computer) await computer()
if (world.job) await job()
if (world.web) await pushing()
if (world.plain) await plain()
process.exit(0)
