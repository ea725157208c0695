// socket.io with its Redis adapter: whoever connects is in the room "bench".
const { createServer } = require("node:http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

async function main(port, url) {
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const http = createServer((request, response) => {
    if (request.url === "/memory") {
      global.gc();
      response.end(JSON.stringify(process.memoryUsage()));
    } else {
      response.end("up");
    }
  });
  const io = new Server(http, {
    adapter: createAdapter(publisher, subscriber),
    serveClient: false,
    transports: ["websocket"],
  });
  io.on("connection", (socket) => socket.join("bench"));
  http.listen({ port, host: "127.0.0.1", backlog: 4096 });
}

main(Number(process.argv[2]), process.env.REDIS_URL);
