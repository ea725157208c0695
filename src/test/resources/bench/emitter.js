// Emits the body of every POST to the room "bench" through Redis, as a backend beside socket.io does.
const { createServer } = require("node:http");
const { Emitter } = require("@socket.io/redis-emitter");
const { createClient } = require("redis");

async function main(port, url) {
  const redis = createClient({ url });
  await redis.connect();
  const emitter = new Emitter(redis);
  const http = createServer((request, response) => {
    if (request.method !== "POST") {
      response.end("up");
      return;
    }
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      emitter.to("bench").emit("m", body);
      response.statusCode = 204;
      response.end();
    });
  });
  http.keepAliveTimeout = 0;
  http.listen({ port, host: "127.0.0.1" });
}

main(Number(process.argv[2]), process.env.REDIS_URL);
