// A wire to the program that can be cut, as networks do: no word of farewell to either side.

import { connect, createServer } from "node:net";

export async function wireTo(program) {
  const { hostname, port } = new URL(program.url);
  const ends = new Set();
  const keep = (socket) => {
    ends.add(socket);
    socket.on("close", () => ends.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    keep(near);
    keep(far);
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => ends.forEach((socket) => socket.destroy());
  return {
    socketUrl: `ws://127.0.0.1:${server.address().port}/graphql`,
    url: `http://127.0.0.1:${server.address().port}/graphql`,
    cut,
    close: () => {
      cut();
      server.close();
    },
  };
}
