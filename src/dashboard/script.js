"use strict";
// Puts what the server sends in the place of what is there. Only what differs is changed, so that nothing moves under a reader's hand:
// scrolled places stay scrolled, selected text stays selected, and what a reader has opened or closed stays so.
(() => {
  const main = document.querySelector("main");
  const link = document.getElementById("link");
  const pause = document.getElementById("pause");

  // Styles within elements are not allowed by the page's policy, but a script may set them.
  const seen = new WeakSet();
  const size = () => {
    for (const graph of main.querySelectorAll("svg[data-least]")) {
      graph.style.minWidth = graph.dataset.least + "px";
    }
    // Layers are centred, so the middle of what is too wide is what to begin with.
    for (const box of main.querySelectorAll(".drawn")) {
      if (seen.has(box) || box.clientWidth === 0) continue;
      seen.add(box);
      box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
    }
  };

  const handled = new WeakSet();
  main.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (summary) handled.add(summary.parentNode);
  });
  main.addEventListener("toggle", size, true);
  const ours = (element, name) => name === "style" || (name === "open" && handled.has(element));

  const change = (old, next) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!ours(old, name) && !next.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (!ours(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    children(old, next);
  };

  const children = (old, next) => {
    // What is new is taken out of there.
    const wanted = [...next.childNodes];
    wanted.forEach((child, at) => {
      let here = old.childNodes[at];
      if (child.id) {
        if (!here || here.id !== child.id) {
          // It has another place than before, or is new.
          const moved = [...old.childNodes].find((other) => other.id === child.id);
          old.insertBefore(moved || child, here || null);
          here = old.childNodes[at];
        }
      } else if (!here || here.id) {
        // What has a name is itself only: nothing else takes its place.
        old.insertBefore(child, here || null);
        return;
      }
      if (here === child) return;
      if (here.nodeName === child.nodeName) change(here, child);
      else here.replaceWith(child);
    });
    while (old.childNodes.length > wanted.length) old.lastChild.remove();
  };

  // While the page is paused, the latest waits here.
  let waiting = null;
  let paused = false;
  let lost = null;
  const say = () => {
    link.textContent = lost || (paused ? "paused" : "live");
    link.className = lost ? "lost" : "soft";
  };
  const show = (html) => {
    const next = document.createElement("template");
    next.innerHTML = html;
    children(main, next.content);
    size();
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    if (!paused && waiting !== null) show(waiting);
    waiting = null;
    say();
  });

  const listen = () => {
    const news = new EventSource("/events");
    news.addEventListener("flows", (event) => {
      if (paused) waiting = event.data;
      else show(event.data);
    });
    news.addEventListener("open", () => {
      lost = null;
      say();
    });
    news.addEventListener("error", () => {
      lost = "the program does not answer: this is what was seen last";
      if (news.readyState === EventSource.CLOSED) {
        // It answered that there is no room, and a browser does not ask again by itself.
        lost = "too many look at this already: this is what was seen last";
        setTimeout(listen, 3000);
      }
      say();
    });
  };
  listen();
  size();
})();
