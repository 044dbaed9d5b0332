// Move a cursor over the spectrogram while a recording plays; a click on it plays from there.

for (const figure of document.querySelectorAll("[data-sound]")) {
  const audio = figure.querySelector("audio");
  const picture = figure.querySelector(".picture");
  const cursor = figure.querySelector(".cursor");
  const seconds = Number(figure.dataset.seconds);

  const place = () => {
    cursor.hidden = audio.currentTime === 0 && audio.paused;
    const share = Math.min(audio.currentTime / seconds, 1);
    cursor.style.transform = `translateX(${(share * picture.clientWidth).toFixed(1)}px)`;
  };
  const follow = () => {
    place();
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
    follow();
  });
  for (const kind of ["pause", "seeked", "timeupdate"]) audio.addEventListener(kind, place);
  addEventListener("resize", place);
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    audio.currentTime = ((event.clientX - box.left) / box.width) * seconds;
    audio.play();
  });
}
