// In the place of react-style-singleton, which puts <style> elements into the page: a Content-Security-Policy without 'unsafe-inline'
// refuses those, but not style sheets that a script constructs.

import { useEffect } from 'react';

/** A component that has its `styles` hold while one of it is mounted. */
export function styleSingleton() {
  const sheet = new CSSStyleSheet();
  let mounted = 0;
  return function Sheet({ styles }) {
    useEffect(() => {
      if (mounted++ === 0) {
        sheet.replaceSync(styles);
        document.adoptedStyleSheets.push(sheet);
      }
      return () => {
        if (--mounted === 0) {
          document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
        }
      };
    }, []);
    return null;
  };
}
