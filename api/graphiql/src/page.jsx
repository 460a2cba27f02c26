// The page at /graphql: GraphiQL with prepared operations.

import { PluginContextProvider } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { fetcher } from './fetcher.js';
import { firstSteps } from './first_steps.jsx';
import { OPERATIONS } from './operations.js';
import { storage } from './storage.js';
import './page.css';

const tabs = OPERATIONS.map(({ query, variables }) => ({ query, variables }));
const plugins = [firstSteps];
const ask = fetcher(new URL('/graphql', window.location.href).href);

// GraphiQL 4 shows the query of the first default tab and forgets its variables, unless it finds both where it keeps them.
if (storage.getItem('graphiql:tabState') === null) {
  storage.setItem('graphiql:query', OPERATIONS[0].query);
  storage.setItem('graphiql:variables', OPERATIONS[0].variables);
}

function Page() {
  const [isKnown, know] = useState(false);
  useEffect(() => know(true), []);
  // It also opens the pane of a plug-in only if it knows at its first moment which one is wanted.
  if (!isKnown) {
    return (
      <PluginContextProvider plugins={plugins} visiblePlugin={firstSteps}>
        {null}
      </PluginContextProvider>
    );
  }
  return (
    <GraphiQL
      fetcher={ask}
      storage={storage}
      defaultTabs={tabs}
      plugins={plugins}
      visiblePlugin={firstSteps}
      defaultEditorToolsVisibility="variables"
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>traveladvisor</GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById('page')).render(<Page />);
