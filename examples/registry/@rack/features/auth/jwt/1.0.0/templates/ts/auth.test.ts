import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import auth from '../src/plugins/auth.js';

const SECRET = 'a-secret-for-tests-only-0123456789';

describe('auth', () => {
  let app: FastifyInstance;

  beforeEach(async () => {
    app = Fastify();
    await app.register(auth, { secret: SECRET });
    app.get('/me', { onRequest: [app.authenticate] }, async (request) => ({
      id: request.user.sub,
    }));
    await app.ready();
  });

  afterEach(() => app.close());

  const me = (token?: string) =>
    app.inject({ url: '/me', headers: token ? { authorization: `Bearer ${token}` } : {} });

  it('lets a signed token in', async () => {
    const response = await me(app.jwt.sign({ sub: 'ada' }));
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ id: 'ada' });
  });

  it('refuses a request without a token', async () => {
    const response = await me();
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer');
  });

  it('refuses an expired token', async () => {
    const response = await me(app.jwt.sign({ sub: 'ada' }, { expiresIn: -1 }));
    expect(response.statusCode).toBe(401);
  });

  it('refuses an unsigned token', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const response = await me(`${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: 'ada' })}.`);
    expect(response.statusCode).toBe(401);
  });

  it('does not start with a short secret', async () => {
    await expect(Fastify().register(auth, { secret: 'short' })).rejects.toThrow(/32 bytes/);
  });
});
