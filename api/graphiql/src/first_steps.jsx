// The pane beside the editor that lists the prepared operations.

import { useEditorContext, useExecutionContext } from '@graphiql/react';
import { useEffect, useRef } from 'react';

import { OPERATIONS } from './operations.js';

function FirstSteps() {
  const editors = useEditorContext({ nonNull: true });
  const execution = useExecutionContext({ nonNull: true });
  const wanted = useRef(null);

  // A tab that was just added is the active one; only then can the editors be filled.
  useEffect(() => {
    const operation = wanted.current;
    if (operation === null) {
      return;
    }
    wanted.current = null;
    editors.queryEditor?.setValue(operation.query);
    editors.variableEditor?.setValue(operation.variables);
  }, [editors, editors.activeTabIndex]);

  const open = (operation) => {
    const place = editors.tabs.findIndex((tab) => tab.operationName === operation.name);
    // To open the tab again would bring back what it held a moment ago, without what was typed last.
    if (place === editors.activeTabIndex) {
      return;
    }
    // What the tab follows ends with leaving it, as with GraphiQL's own tabs.
    execution.stop();
    if (place >= 0) {
      editors.changeTab(place);
    } else {
      wanted.current = operation;
      editors.addTab();
    }
  };

  return (
    <section className="first-steps" aria-label="First steps">
      <div className="graphiql-doc-explorer-title">First steps</div>
      <ol>
        {OPERATIONS.map((operation, place) => (
          <li key={operation.name}>
            <button type="button" className="graphiql-un-styled first-steps-open" onClick={() => open(operation)}>
              {place + 1}. {operation.title}
            </button>
            <p>{operation.about}</p>
          </li>
        ))}
      </ol>
      <p>
        Ids and dates are those of the demo's catalogue. In variables <code>"$booking"</code> stands for the trip and{' '}
        <code>"$position"</code> for the position that a mutation answered last.
      </p>
      <p>
        Who has to sign in puts <code>{'{"Authorization": "Bearer …"}'}</code> under Headers of any tab. It holds for all of them until the
        page is left.
      </p>
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1" strokeLinecap="round" />
    </svg>
  );
}

/** GraphiQL's plug-in. */
export const firstSteps = { title: 'First steps', icon: Icon, content: FirstSteps };
