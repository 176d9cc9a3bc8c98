// What a page can do beyond HTML: stay fresh, count down, and be driven by keys. Without it everything still works.
const find = (selector) => document.querySelector(selector);

// The one place where text becomes markup: whole pages of our own, fetched from where this script came from.
const pages = window.trustedTypes?.createPolicy('countersign', { createHTML: (html) => html })
  ?? { createHTML: (html) => html };

const fetchPage = async (address) => {
  const answer = await fetch(address, { headers: { 'Countersign-Live': '1' }, cache: 'no-store' });
  if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(pages.createHTML(await answer.text()), 'text/html');
};

// Time left, from the server's clock: this machine's own may be wrong.
const opened = performance.now();
const spoken = (left) => {
  const seconds = Math.floor(left / 1000);
  if (left <= 0) return 'time is over';
  if (seconds >= 172800) return `${Math.floor(seconds / 86400)} d left`;
  const two = (number) => String(number).padStart(2, '0');
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min left`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s left` : `${seconds} s left`;
};
const clocks = new WeakMap();
const countDown = () => {
  for (const clock of document.querySelectorAll('time[data-until]')) {
    if (!clocks.has(clock)) clocks.set(clock, performance.now());
    const since = performance.now() - (clock.dataset.seen ? clocks.get(clock) : opened);
    const left = Number(clock.dataset.until) - Number(clock.dataset.now) - since;
    clock.textContent = spoken(left);
    clock.classList.toggle('soon', left < 120000);
    if (left <= 0 && !clock.dataset.over) {
      clock.dataset.over = 'yes';
      lapsed();
    }
  }
};

// Live: an event says that something moved; what moved is asked of the page's own address.
const inbox = find('#inbox');
const approval = find('#approval, #asked');
const live = find('#live');
let asking = false;
let askAgain = false;

const announce = (count, before) => {
  if (count <= before) return;
  if (live) live.textContent = count === 1 ? 'One call waits for you.' : `${count} calls wait for you.`;
  if (document.visibilityState === 'visible' || window.Notification?.permission !== 'granted') return;
  const notice = new Notification('Countersign', {
    body: count === 1 ? 'A call waits for your decision.' : `${count} calls wait for your decision.`,
    tag: 'countersign-inbox',
  });
  notice.onclick = () => window.focus();
};

const takeInbox = (page) => {
  const fresh = page.querySelector('#inbox');
  const present = find('#inbox');
  if (!fresh || !present) return;
  const known = new Set([...present.querySelectorAll('[data-id]')].map((row) => row.dataset.id));
  const held = document.activeElement?.closest?.('[data-id]')?.dataset.id;
  for (const clock of fresh.querySelectorAll('time[data-until]')) clock.dataset.seen = 'yes';
  for (const row of fresh.querySelectorAll('[data-id]')) row.classList.toggle('fresh', !known.has(row.dataset.id));
  const before = Number(present.dataset.waiting);
  present.replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  const navigation = page.querySelector('.top nav');
  if (navigation) find('.top nav')?.replaceWith(document.adoptNode(navigation));
  if (held) find(`[data-id="${CSS.escape(held)}"] .function`)?.focus();
  announce(Number(fresh.dataset.waiting), before);
  countDown();
};

// What cannot be decided any more offers no decision.
const close = (state, text) => {
  const badge = find('#approval .summary .state, #asked .summary-line .state');
  if (badge) {
    badge.textContent = state;
    badge.className = `state state-${state}`;
  }
  for (const button of document.querySelectorAll('.decide form button, #asked form button')) button.disabled = true;
  for (const word of document.querySelectorAll('.closed')) word.hidden = false;
  for (const clock of document.querySelectorAll('#approval time.left, #asked time.left')) clock.hidden = true;
  find('#stale-text').textContent = text;
  find('#stale').hidden = false;
};

// A page that somebody reads is not changed under their eyes: they are told, and look again themselves.
const takeApproval = (page) => {
  const fresh = page.querySelector('#approval');
  if (!fresh) return;
  if (fresh.dataset.state !== approval.dataset.state) {
    close(fresh.dataset.state, `This approval has moved: it is ${fresh.dataset.state} now.`);
  } else if (fresh.dataset.decisions !== approval.dataset.decisions) find('#stale').hidden = false;
};

const refresh = async () => {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  do {
    askAgain = false;
    try {
      const page = await fetchPage(approval?.dataset.page ?? location.href);
      if (inbox) takeInbox(page);
      else takeApproval(page);
    } catch {
      if (live) live.textContent = 'Not live at the moment.';
    }
  } while (askAgain);
  asking = false;
};

// The server's word follows; until then nothing is offered that it would refuse.
const lapsed = () => {
  const isOpen = ['pending', 'approved'].includes(approval?.dataset.state);
  if (isOpen) close('expired', 'The time of this approval is over.');
  setTimeout(refresh, 500);
};

if (inbox || approval) {
  const events = new EventSource('/api/v1/approvals/events');
  let poll = 0;
  const watch = (every) => {
    clearInterval(poll);
    poll = setInterval(refresh, every);
  };
  events.onopen = () => {
    if (live) live.textContent = '';
    watch(60000);
  };
  events.onerror = () => watch(5000);
  for (const name of ['ready', 'asked', 'moved']) events.addEventListener(name, refresh);
  watch(5000);
  window.addEventListener('pagehide', () => events.close());
}

setInterval(countDown, 1000);
countDown();

// Notifications are asked for by whoever presses the button, never by the page.
const notify = find('#notify');
if (notify && 'Notification' in window && Notification.permission === 'default') {
  notify.hidden = false;
  notify.addEventListener('click', async () => {
    const answer = await Notification.requestPermission();
    notify.hidden = answer !== 'default';
  });
}

// Keys. None decides by itself: a and d lead to a question that only Enter answers.
const isWriting = (element) => element?.matches?.('input, textarea, select, [contenteditable]');
const step = (by) => {
  const links = [...document.querySelectorAll('.row .function')];
  const at = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
};
const go = (address) => { location.href = address; };
let afterG = false;

document.addEventListener('keydown', (press) => {
  if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing) return;
  if (isWriting(document.activeElement)) {
    if (press.key === 'Escape') document.activeElement.blur();
    return;
  }
  const key = press.key;
  if (afterG) {
    afterG = false;
    if (key === 'i') go('/console');
    if (key === 'h') go('/console/history');
    return;
  }
  const actions = {
    j: () => step(1),
    k: () => step(-1),
    o: () => document.activeElement?.closest?.('.row')?.querySelector('.function')?.click(),
    a: () => find('#approve')?.click(),
    d: () => find('#deny')?.click(),
    r: () => find('#reason')?.focus(),
    u: () => find('#confirm-no, .back')?.click(),
    Escape: () => find('#confirm-no, .back')?.click(),
    g: () => { afterG = true; },
    '?': () => go('/console/keys'),
  };
  if (!actions[key]) return;
  press.preventDefault();
  actions[key]();
});
