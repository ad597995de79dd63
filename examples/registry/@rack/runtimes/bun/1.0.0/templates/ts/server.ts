const server = Bun.serve({
  port: Number(Bun.env.PORT ?? 3000),
  routes: {
    '/health': () => Response.json({ status: 'ok' }),
    '/hello/:name': (request) => Response.json({ message: `Hello, ${request.params.name}!` }),
  },
  fetch() {
    return Response.json({ code: 'NOT_FOUND' }, { status: 404 });
  },
  error(error) {
    console.error(error);
    return Response.json({ code: 'INTERNAL_ERROR' }, { status: 500 });
  },
});

console.log(`listening on ${server.url}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server.stop();
    process.exit(0);
  });
}
