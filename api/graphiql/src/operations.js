// The prepared operations, in the order in which a newcomer needs them. What they ask for stands beside each other in ../operations.

import lookAtOffers from '../operations/look-at-offers.graphql' with { type: 'text' };
import lookAtOffersVariables from '../operations/look-at-offers.json' with { type: 'text' };
import bookATrip from '../operations/book-a-trip.graphql' with { type: 'text' };
import bookATripVariables from '../operations/book-a-trip.json' with { type: 'text' };
import followIt from '../operations/follow-it.graphql' with { type: 'text' };
import followItVariables from '../operations/follow-it.json' with { type: 'text' };
import readIt from '../operations/read-it.graphql' with { type: 'text' };
import readItVariables from '../operations/read-it.json' with { type: 'text' };
import cancelIt from '../operations/cancel-it.graphql' with { type: 'text' };
import cancelItVariables from '../operations/cancel-it.json' with { type: 'text' };
import lookAtItsSaga from '../operations/look-at-its-saga.graphql' with { type: 'text' };
import lookAtItsSagaVariables from '../operations/look-at-its-saga.json' with { type: 'text' };
import signUp from '../operations/sign-up.graphql' with { type: 'text' };
import signUpVariables from '../operations/sign-up.json' with { type: 'text' };
import payWithPoints from '../operations/pay-with-points.graphql' with { type: 'text' };
import payWithPointsVariables from '../operations/pay-with-points.json' with { type: 'text' };
import howReadModelsDo from '../operations/how-read-models-do.graphql' with { type: 'text' };

/** Name of the operation, what it is called for people, what it shows, its document and its variables. */
export const OPERATIONS = [
  {
    name: 'LookAtOffers',
    title: 'Look at what is on sale',
    about: 'Hotels for a stay, flights of a day and cars for a rental, with what is left of them.',
    query: lookAtOffers,
    variables: lookAtOffersVariables,
  },
  {
    name: 'BookATrip',
    title: 'Book a trip',
    about: 'A hotel, a flight and a car, paid by card. The answer names the trip; the next steps are about it.',
    query: bookATrip,
    variables: bookATripVariables,
  },
  {
    name: 'FollowIt',
    title: 'Follow it',
    about: 'What has happened to it and what happens, over a WebSocket. The latest is shown until you stop it or go on.',
    query: followIt,
    variables: followItVariables,
  },
  {
    name: 'ReadIt',
    title: 'Read it',
    about: 'Its parts, its payment and its history.',
    query: readIt,
    variables: readItVariables,
  },
  {
    name: 'CancelIt',
    title: 'Cancel it',
    about: 'Everything is given back, the money at last.',
    query: cancelIt,
    variables: cancelItVariables,
  },
  {
    name: 'LookAtItsSaga',
    title: 'Look at its process manager',
    about: 'Which steps it took forward and back, and what each came to.',
    query: lookAtItsSaga,
    variables: lookAtItsSagaVariables,
  },
  {
    name: 'SignUp',
    title: 'Sign up',
    about: 'You become a member and get the points that are promised for it.',
    query: signUp,
    variables: signUpVariables,
  },
  {
    name: 'PayWithPoints',
    title: 'Pay with points',
    about: 'A hotel, paid with these points. The steps before can be run again for it: cancel it and they come back.',
    query: payWithPoints,
    variables: payWithPointsVariables,
  },
  {
    name: 'HowReadModelsDo',
    title: 'How read models do',
    about: 'How far what queries read has come behind the log. Takes the right to operate.',
    query: howReadModelsDo,
    variables: '',
  },
];
