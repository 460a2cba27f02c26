// schemathesis searches for requests that the server fails on, with real ids of a small catalogue and two trips.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { fresh, here, python } from "../places.js";
import { run } from "../processes.js";

export const name = "schemathesis";
export const about = "requests drawn from the schema; none may make the server fail";
export const needsProgram = true;

// The length of a run in CI.
const SECONDS = Number(process.env.SCHEMATHESIS_SECONDS ?? 120);
// What it takes beyond that to read the schema and to tell what was found.
const SLACK_SECONDS = 120;
const WORKERS = "2";

const SEED = `query {
  hotels(filter: {}) { nodes { id } }
  flights(filter: {}) { nodes { id } }
  cars(filter: {}) { nodes { id } }
  campaigns { nodes { id } }
  projections { name }
}`;
const SIGN_UP = "mutation($input: SignUpInput!) { signUp(input: $input) { member { id vouchers { nodes { id } } } errors { message } } }";
const OPEN = "mutation($input: OpenCampaignInput!) { openCampaign(input: $input) { campaign { id } errors { message } } }";
const BOOK = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { message } } }";

async function known(program) {
  const membership = await member(program);
  const { hotels, flights, cars, campaigns, projections } = await program.ask(SEED);
  const ids = (connection) => connection.nodes.map((node) => node.id);
  const trip = (idempotencyKey, cardNumber) => ({
    idempotencyKey,
    traveller: { email: "ada@example.com", name: "Ada" },
    flight: { flightId: ids(flights)[0] },
    payment: { method: "CARD", cardNumber },
    wait: "FINISHED",
  });
  const bookings = [];
  for (const [key, card] of [
    ["approved", "4242424242424242"],
    ["declined", "4000000000000002"],
  ]) {
    const { bookTrip } = await program.ask(BOOK, { input: trip(key, card) });
    if (!bookTrip.booking) throw new Error(JSON.stringify(bookTrip.errors));
    bookings.push(bookTrip.booking.id);
  }
  const names = projections.map((projection) => projection.name);
  return { hotels: ids(hotels), flights: ids(flights), cars: ids(cars), campaigns: ids(campaigns), bookings, names, ...membership };
}

// A member with points and a voucher of two campaigns.
async function member(program) {
  const opensAt = "2024-01-01T00:00:00Z";
  for (const [code, reward] of [
    ["POINTS", { points: "1000000" }],
    ["TENTH", { voucher: { percent: 10 } }],
  ]) {
    const campaign = { code, name: code, description: code, action: "SIGNUP", reward, opensAt };
    await program.ask(OPEN, { input: { idempotencyKey: code, campaign } });
  }
  const input = { idempotencyKey: "me", email: "ada@example.com", nickname: "ada", firstName: "Ada", lastName: "L", contactNumber: "1" };
  const { signUp } = await program.ask(SIGN_UP, { input });
  if (!signUp.member) throw new Error(JSON.stringify(signUp.errors));
  return { members: [signUp.member.id], rewards: signUp.member.vouchers.nodes.map(({ id }) => id) };
}

// Which argument takes which of these, and how often: a write goes through only where all that it takes is right. All else is
// drawn at random.
const BOUND = 0.9;
const ANYWHERE = 0.5;
const WORDS = {
  amounts: ["100.50", "40", "0", "99999999999999999999", "1e3", "-1"],
  cabins: ["ECONOMY", "BUSINESS"],
  cards: ["4242424242424242", "4000000000000002", "4000000000009995"],
  countries: ["GB", "KR", "PT"],
  emails: ["ada@example.com", "grace@example.com"],
  keys: ["one", "two"],
  numbers: [1, 2, 3, 100, 0, -1],
  places: ["LHR", "ICN", "LIS"],
  points: ["1", "100", "0", "-5", "1.5", "1e3", "999999999999999999999"],
  roomTypes: ["DBL", "SGL", "SUI"],
  texts: ["H1", "Grand", "Seoul", "Ada", "+44 20 7946 0000"],
  zones: ["Europe/London", "Asia/Seoul", "America/St_Johns"],
};
const EVERYWHERE = { string: "texts", integer: "numbers" };
const BINDINGS = {
  "Query.node.id": "ids",
  "Query.booking.id": "bookings",
  "Query.saga.bookingId": "bookings",
  "Query.hotel.id": "hotels",
  "Query.flight.id": "flights",
  "Query.car.id": "cars",
  "Query.member.id": "members",
  "Query.vouchers.memberId": "members",
  "Query.bookings.filter.travellerEmail": "emails",
  "Mutation.rebuildProjection.name": "names",
  "Mutation.rollbackProjection.name": "names",
  "Mutation.*.input.idempotencyKey": "keys",
  "Mutation.*.input.bookingId": "bookings",
  "Mutation.*.input.hotelId": "hotels",
  "Mutation.*.input.roomType": "roomTypes",
  "Mutation.*.input.timeZone": "zones",
  "Mutation.*.input.memberId": "members",
  "Mutation.*.input.campaignId": "campaigns",
  "Mutation.*.input.email": "emails",
  "Mutation.signUp.input.referrer": "members",
  "Mutation.grantReward.input.points": "points",
  "Mutation.openCampaign.input.campaign.reward.points": "points",
  "Mutation.bookTrip.input.voucher": "rewards",
  "Mutation.bookTrip.input.traveller.email": "emails",
  "Mutation.bookTrip.input.traveller.name": "texts",
  "Mutation.bookTrip.input.hotel.rooms": "numbers",
  "Mutation.bookTrip.input.flight.seats": "numbers",
  "Mutation.bookTrip.input.hotel.hotelId": "hotels",
  "Mutation.bookTrip.input.hotel.roomType": "roomTypes",
  "Mutation.bookTrip.input.flight.flightId": "flights",
  "Mutation.bookTrip.input.flight.cabin": "cabins",
  "Mutation.bookTrip.input.car.carId": "cars",
  "Mutation.bookTrip.input.payment.cardNumber": "cards",
  "Mutation.bookTrip.input.expectedTotal.amount": "amounts",
  "Mutation.upsertHotel.input.country": "countries",
  "Mutation.upsertHotel.input.roomTypes[*].nightlyPrice.amount": "amounts",
  "Mutation.upsertFlight.input.origin": "places",
  "Mutation.upsertFlight.input.destination": "places",
  "Mutation.upsertFlight.input.cabins[*].cabin": "cabins",
  "Mutation.upsertFlight.input.cabins[*].price.amount": "amounts",
  "Mutation.upsertCar.input.location": "places",
  "Mutation.upsertCar.input.dailyPrice.amount": "amounts",
};

function settings(values) {
  const dictionaries = Object.entries({ ...values, ids: Object.values(values).flat(), ...WORDS });
  const bound = (bindings, probability) =>
    Object.entries(bindings).map(
      ([what, name]) => `${JSON.stringify(what)} = { dictionary = "${name}", probability = ${probability} }`,
    );
  return [
    ...dictionaries.map(([name, list]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(list)}`),
    "[generation.dictionaries]",
    ...bound(EVERYWHERE, ANYWHERE),
    "[parameters]",
    ...bound(BINDINGS, BOUND),
    "",
  ].join("\n");
}

// How often each code was the answer: a search that only ever hears INVALID_INPUT has not come far.
function codes(file) {
  const tally = {};
  const told = existsSync(file) ? readFileSync(file, "utf8").split(/\s+/).filter(Boolean) : [];
  for (const code of told) tally[code] = (tally[code] ?? 0) + 1;
  const sorted = Object.entries(tally).sort(([, a], [, b]) => b - a);
  return sorted.map(([code, count]) => `${code} ${count}`).join(", ");
}

export async function judge(program) {
  const place = fresh("schemathesis");
  const config = join(place, "schemathesis.toml");
  const tally = join(place, "codes");
  writeFileSync(config, settings(await known(program)));
  const args = ["--config-file", config, "--no-color", "run", program.url, "--checks", "no_server_fault"];
  args.push("--max-time", String(SECONDS), "--workers", WORKERS, "--continue-on-failure", "--warnings", "off");
  const { status, output } = await run(join(python, "schemathesis"), args, {
    cwd: place,
    env: { SCHEMATHESIS_HOOKS: "fuzz", PYTHONPATH: here, FUZZ_CODES: tally, PYTHONDONTWRITEBYTECODE: "1" },
    withinMs: (SECONDS + SLACK_SECONDS) * 1000,
  });
  const answered = codes(tally);
  const last = output.trimEnd().split("\n").at(-1).replaceAll("=", "").trim();
  return { ok: status === 0 && answered !== "", summary: [output, `answers by code: ${answered}`, last] };
}
