// What makes the pages a little better. Without it, all of them work.
"use strict";

document.documentElement.classList.add("scripted");

// Copy buttons.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      document.execCommand("copy");
    }
    const text = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = text; }, 1500);
  });
}

// A search that finds while one types; the form does the same with a request.
const search = document.querySelector("[data-search]");
if (search) {
  const cards = [...document.querySelectorAll("[data-words]")];
  const nothing = document.querySelector("[data-nothing]");
  const find = () => {
    const wanted = search.value.trim().toLowerCase();
    let found = 0;
    for (const card of cards) {
      card.hidden = !card.dataset.words.includes(wanted);
      found += card.hidden ? 0 : 1;
    }
    nothing.hidden = found > 0;
  };
  search.addEventListener("input", find);
  find();
}

// What is wrong with a field is said when one leaves it, in the words that saving it would be answered with.
for (const form of document.querySelectorAll("form[data-check]")) {
  const check = async (field) => {
    const answer = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok || answer.redirected) return;
    const problems = await answer.json();
    const told = document.getElementById(field.id + "-wrong");
    const problem = field.value === "" ? undefined : problems[field.name];
    told.textContent = problem ?? "";
    field.setAttribute("aria-invalid", problem ? "true" : "false");
  };
  form.addEventListener("change", (event) => {
    if (document.getElementById(event.target.id + "-wrong")) check(event.target).catch(() => {});
  });
}

// Sent once is enough.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
}
