import Fastify, { type FastifyServerOptions } from 'fastify';
import healthRoutes from './routes/health.js';

/** The application without a socket, so that tests can use `app.inject()`. */
export async function buildApp(options: FastifyServerOptions = {}) {
  const app = Fastify(options);

  await app.register(healthRoutes);

  return app;
}
