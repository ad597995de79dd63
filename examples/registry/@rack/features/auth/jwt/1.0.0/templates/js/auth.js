import fastifyJwt from '@fastify/jwt';
import fp from 'fastify-plugin';

/**
 * @typedef {object} AuthOptions
 * @property {string} secret At least 32 bytes; `openssl rand -base64 48` makes a good one.
 * @property {string} [issuer] Who signs, and who checks that it was signed here.
 * @property {string} [expiresIn] For how long a token is good, for example `15m`.
 */

export default fp(
  async (app, /** @type {AuthOptions} */ { secret, issuer = 'app', expiresIn = '15m' }) => {
    if (Buffer.byteLength(secret) < 32) {
      throw new Error('JWT_SECRET must be at least 32 bytes long');
    }

    await app.register(fastifyJwt, {
      secret,
      sign: { algorithm: 'HS256', iss: issuer, expiresIn },
      // The algorithm is pinned: a token must not choose how it is checked.
      verify: { algorithms: ['HS256'], allowedIss: issuer },
    });

    app.decorate('authenticate', async (request, reply) => {
      try {
        await request.jwtVerify();
      } catch {
        // One answer for every fault: missing, expired and forged look the same from outside.
        reply.header('www-authenticate', 'Bearer');
        await reply.code(401).send({ code: 'UNAUTHORIZED', message: 'A valid token is required' });
      }
    });
  },
  { name: 'auth' },
);
