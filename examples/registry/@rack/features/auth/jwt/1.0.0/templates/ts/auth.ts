import fastifyJwt from '@fastify/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

export interface AuthOptions {
  /** At least 32 bytes; `openssl rand -base64 48` makes a good one. */
  secret: string;
  /** Who signs, and who checks that it was signed here. */
  issuer?: string;
  /** For how long a token is good, for example `15m`. */
  expiresIn?: string;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** A hook for routes: `{ onRequest: [app.authenticate] }`. */
    authenticate: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  }
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { sub: string };
    user: { sub: string; iat: number; exp: number };
  }
}

export default fp<AuthOptions>(
  async (app, { secret, issuer = 'app', expiresIn = '15m' }) => {
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
