// The schema's rules. Where an option differs from the rule's default, the comment says why.

import graphql from "@graphql-eslint/eslint-plugin";

import { schemaFile } from "./places.js";

const recommended = graphql.configs["flat/schema-recommended"].rules;
const relay = graphql.configs["flat/schema-relay"].rules;

// Values: two with the same fields are the same, so that an id would name nothing.
const VALUES = [
  "BookedCar",
  "BookedFlight",
  "BookedHotel",
  "BookingDiscount",
  "BookingFailure",
  "BookingProgress",
  "Cabin",
  "CampaignReward",
  "Money",
  "Occupancy",
  "PageInfo",
  "Payment",
  "PaymentLedgerEntry",
  "PointsAccount",
  "ResolvedSaga",
  "RoomType",
  "SagaStep",
  "TimelineEntry",
  "Traveller",
  "UnitOccupancy",
  "UserError",
];

// A room type is what the trade calls it; every other object type still may not end in `Type`.
const [, { "ObjectTypeDefinition,ObjectTypeExtension": objects, ...names }] =
  recommended["@graphql-eslint/naming-convention"];
const naming = { ...names, "ObjectTypeDefinition[name.value!=RoomType],ObjectTypeExtension": objects };

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: schemaFile } } },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...recommended,
      ...relay,
      "@graphql-eslint/naming-convention": ["error", naming],
      // Payloads, edges and connections are envelopes of one answer.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        { exceptions: { types: VALUES, suffixes: ["Payload", "Connection", "Edge"] } },
      ],
      // Connections offer `nodes` beside `edges`; short lists that are read whole (steps of a saga, cabins of a flight) are
      // no connections.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
];
