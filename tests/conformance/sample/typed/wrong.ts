// What the types must refuse: tsc fails where an expected error is missing.

import type { BookTripInput, TripQuery } from "./gql/graphql.js";

// @ts-expect-error: a trip cannot be paid without a method
export const input: BookTripInput = { idempotencyKey: "k", traveller: { email: "a@b.c", name: "A" }, payment: {} };

// @ts-expect-error: there need be no such trip
export const status = (trip: TripQuery): string => trip.booking.status;
