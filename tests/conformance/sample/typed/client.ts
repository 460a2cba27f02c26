// What a small shop would write against the generated types: look for a stay, book it, follow it, cancel it.

import { graphql } from "./gql/index.js";
import type { BookTripInput, TypedDocumentString } from "./gql/graphql.js";

const Search = graphql(`
  query Search($city: String!, $checkIn: Date!, $checkOut: Date!) {
    hotels(filter: { city: $city, checkIn: $checkIn, checkOut: $checkOut }, first: 5) {
      edges {
        cursor
        node {
          id
          name
          roomTypes {
            code
            roomsLeft
            total {
              ...Price
            }
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

graphql(`
  fragment Price on Money {
    amount
    currency
  }
`);

const Book = graphql(`
  mutation Book($input: BookTripInput!) {
    bookTrip(input: $input) {
      booking {
        id
        status
        version
      }
      position
      errors {
        code
        path
        message
      }
    }
  }
`);

const Trip = graphql(`
  query Trip($id: ID!, $atLeast: Position) {
    booking(id: $id, atLeast: $atLeast) {
      status
      sagaStatus
      total {
        ...Price
      }
      timeline {
        at
        summary
      }
    }
  }
`);

const Cancel = graphql(`
  mutation Cancel($input: CancelBookingInput!) {
    cancelBooking(input: $input) {
      booking {
        status
      }
      errors {
        code
      }
    }
  }
`);

async function ask<Data, Variables>(
  url: string,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: document, variables }),
  });
  const answer: { data?: Data | null; errors?: { message: string }[] } = await response.json();
  if (!answer.data) throw new Error(answer.errors?.map((error) => error.message).join("; ") ?? "no data");
  return answer.data;
}

// Walks through and gives back the status of the trip at its end.
export async function tour(url: string): Promise<string> {
  const stay = { checkIn: "2025-01-10", checkOut: "2025-01-12" };
  const found = await ask(url, Search, { city: "Seoul", ...stay });
  const hotel = found.hotels.edges[0]?.node;
  const roomType = hotel?.roomTypes[0];
  if (!hotel || !roomType) throw new Error("there is no hotel in Seoul");
  const input: BookTripInput = {
    idempotencyKey: "a typed client's",
    traveller: { email: "ada@example.com", name: "Ada" },
    hotel: { hotelId: hotel.id, roomType: roomType.code, ...stay },
    payment: { method: "CARD", cardNumber: "4242424242424242" },
    wait: "FINISHED",
  };
  const { bookTrip } = await ask(url, Book, { input });
  if (!bookTrip.booking) throw new Error(bookTrip.errors.map((error) => error.message).join("; "));
  const { id, version } = bookTrip.booking;
  const { booking } = await ask(url, Trip, { id, atLeast: bookTrip.position });
  if (booking?.status !== "APPROVED") throw new Error(`the trip is ${booking?.status}`);
  const { cancelBooking } = await ask(url, Cancel, {
    input: { bookingId: id, expectedVersion: version, wait: "FINISHED" },
  });
  return cancelBooking.booking?.status ?? cancelBooking.errors.map((error) => error.code).join();
}
