/** Two panes of the same height scroll together, in both directions, while `isOn` says so. */
export function syncScroll(left: HTMLElement, right: HTMLElement, isOn: () => boolean): void {
  // The pane that was moved by the other one: its own event says nothing new. Without this the shorter of two panes
  // that do not end at the same pixel would hold the longer one back.
  let follower: HTMLElement | undefined;
  const follow = (from: HTMLElement, to: HTMLElement): void => {
    from.addEventListener(
      'scroll',
      () => {
        if (!isOn()) return;
        if (follower === from) {
          follower = undefined;
          return;
        }
        const { scrollTop, scrollLeft } = to;
        to.scrollTop = from.scrollTop;
        to.scrollLeft = from.scrollLeft;
        if (to.scrollTop !== scrollTop || to.scrollLeft !== scrollLeft) follower = to;
      },
      { passive: true },
    );
  };
  follow(left, right);
  follow(right, left);
}
