// Put into a copy of a page by pages_test.py: writes what it finds at the page's end.
addEventListener("load", async () => {
  const shown = (element) => element.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true}) && element.getBoundingClientRect().height > 0;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const out = {
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    back: getComputedStyle(document.body).backgroundColor,
    headings: all("h1, h2, h3, h4").map((each) => Number(each.tagName[1])),
    folded: all("details").flatMap((each) => [...each.children].filter((child) => child.tagName !== "SUMMARY" && !child.matches(".copy") && !shown(child))).length,
    navigation: all("nav, .skip, .find, .copy").filter(shown).length,
    targets: all('a[href^="http"]').filter((each) => getComputedStyle(each, "::after").content === "none").length,
    links: all('a[href^="http"]').length,
  };
  document.documentElement.style.width = "360px";
  out.narrow = document.body.scrollWidth;
  document.documentElement.style.width = "";
  if (window.axe) {
    const seen = await axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
    out.passed = seen.passes.map((each) => each.id);
    out.found = seen.violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)} (${each.nodes[0].any[0]?.message ?? each.help})`);
  }
  const box = document.createElement("pre");
  box.id = "seen";
  box.textContent = JSON.stringify(out);
  document.body.append(box);
});
