// Trips to be followed: booked over HTTP, and what their timeline says in the end.

const FLIGHT = "{ flights(filter: {}) { nodes { id } } }";
const BOOK =
  "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code path message } } }";
const CANCEL =
  "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { position errors { code path message } } }";
const TIMELINE = `query($id: ID!, $atLeast: Position) {
  booking(id: $id, atLeast: $atLeast) { status timeline { position } }
}`;

// What the judges ask for of a trip under way.
export const PROGRESS = `subscription($id: ID!, $after: Position) {
  bookingProgress(id: $id, after: $after) { position at status sagaStatus summary }
}`;

// A trip that is approved by the time this returns.
export async function book(program, idempotencyKey) {
  const { flights } = await program.ask(FLIGHT);
  const input = {
    idempotencyKey,
    traveller: { email: "ada@example.com", name: "Ada" },
    flight: { flightId: flights.nodes[0].id },
    payment: { method: "CARD", cardNumber: "4242424242424242" },
    wait: "FINISHED",
  };
  const { bookTrip } = await program.ask(BOOK, { input });
  if (!bookTrip.booking) throw new Error(JSON.stringify(bookTrip.errors));
  return bookTrip.booking.id;
}

export async function cancel(program, bookingId) {
  const { cancelBooking } = await program.ask(CANCEL, { input: { bookingId, wait: "FINISHED" } });
  if (cancelBooking.errors.length > 0) throw new Error(JSON.stringify(cancelBooking.errors));
  return cancelBooking.position;
}

// The positions of all that happened to a trip, in order.
export async function timeline(program, id, atLeast) {
  const { booking } = await program.ask(TIMELINE, { id, atLeast });
  return booking.timeline.map((entry) => entry.position);
}

export const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
