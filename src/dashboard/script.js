"use strict";
// Puts what the server sends in the place of what is there. Only what differs is changed, so that nothing moves under a reader's hand:
// scrolled places stay scrolled, and selected text stays selected.
(() => {
  const main = document.querySelector("main");
  const link = document.getElementById("link");

  // Styles within elements are not allowed by the page's policy, but a script may set them.
  const size = () => {
    for (const graph of main.querySelectorAll("svg[data-least]")) {
      graph.style.minWidth = graph.dataset.least + "px";
    }
  };

  const change = (old, next) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (name !== "style" && !next.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    children(old, next);
  };

  const children = (old, next) => {
    // What is new is taken out of there.
    const wanted = [...next.childNodes];
    wanted.forEach((child, at) => {
      let here = old.childNodes[at];
      if (child.id && (!here || here.id !== child.id)) {
        // A run has another place than before, or is new.
        const moved = [...old.childNodes].find((other) => other.id === child.id);
        old.insertBefore(moved || child, here || null);
        here = old.childNodes[at];
      } else if (!here) {
        old.append(child);
        return;
      }
      if (here === child) return;
      if (here.nodeName === child.nodeName) change(here, child);
      else here.replaceWith(child);
    });
    while (old.childNodes.length > wanted.length) old.lastChild.remove();
  };

  const news = new EventSource("/events");
  news.addEventListener("flows", (event) => {
    const next = document.createElement("template");
    next.innerHTML = event.data;
    children(main, next.content);
    size();
  });
  news.addEventListener("open", () => {
    link.textContent = "live";
    link.className = "soft";
  });
  news.addEventListener("error", () => {
    link.textContent = "the program does not answer: this is what was seen last";
    link.className = "lost";
  });
  size();
})();
