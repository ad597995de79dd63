import helmet from '@fastify/helmet';
import Fastify from 'fastify';
import healthRoutes from './routes/health.js';

/** The application without a socket, so that tests can use `app.inject()`. */
export async function buildApp(options = {}) {
  const app = Fastify({
    return503OnClosing: true,
    ...options,
  });

  await app.register(helmet);

  // What went wrong inside stays in the log; the client gets a code, and an id to ask about.
  app.setErrorHandler((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      request.log.error({ err: error }, 'request failed');
    }
    return reply.code(status).send({
      code: status >= 500 ? 'INTERNAL_ERROR' : error.code,
      message: status >= 500 ? 'Something went wrong' : error.message,
      requestId: request.id,
    });
  });

  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      code: 'NOT_FOUND',
      message: `${request.method} ${request.url} does not exist`,
      requestId: request.id,
    }),
  );

  await app.register(healthRoutes);

  return app;
}
