export default async function healthRoutes(app) {
  app.get(
    '/health',
    {
      logLevel: 'silent',
      schema: {
        response: {
          200: {
            type: 'object',
            required: ['status', 'uptime'],
            properties: { status: { const: 'ok' }, uptime: { type: 'number' } },
          },
        },
      },
    },
    async () => ({ status: 'ok', uptime: process.uptime() }),
  );
}
