// The viewer as a reader's hand and eye use it. Millimetres count from the middle of the phantom (lib/dicom.mjs, 128 pixels).

import { PIXEL_MM } from './phantom.mjs';

const SIDE_MM = 128 * PIXEL_MM;

/** Waits until the viewer stands with its first stack whole: `count` images. */
export async function viewer(page, count) {
  await page.waitForSelector('[data-viewer][data-ready]', { timeout: 60_000 });
  const whole = (want) => document.querySelector('.vw-pane')?.dataset.loaded === want;
  await page.waitForFunction(whole, String(count), { timeout: 60_000 });
}

/** What the first pane says of itself. */
export const shown = (page) => page.locator('.vw-pane').first().evaluate((pane) => ({ ...pane.dataset }));

/** The middle of the picture on the screen, and pixels of the screen to a millimetre. */
export async function centre(page, side_mm = SIDE_MM) {
  const box = await page.locator('.vw-pane .vw-canvas').first().boundingBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, scale: Math.min(box.width, box.height) / side_mm };
}

/** The grey value on the screen so many millimetres from the middle. */
export async function grey(page, x_mm, y_mm) {
  const { scale } = await centre(page);
  return page.locator('.vw-pane canvas').first().evaluate((canvas, [x, y]) => new Promise((resolve) => {
    // What was asked for is drawn with the next frames.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const box = canvas.getBoundingClientRect();
      const ratio = canvas.width / box.width;
      const at = [canvas.width / 2 + x * ratio, canvas.height / 2 + y * ratio].map(Math.round);
      resolve(canvas.getContext('2d').getImageData(at[0], at[1], 1, 1).data[0]);
    }));
  }), [x_mm * scale, y_mm * scale]);
}

/** Drags across the middle, so many millimetres in all; an ellipse is drawn out of its centre. */
export async function drag(page, x_mm, y_mm, { outOfCentre = false, below_mm = 0 } = {}) {
  const { x, y: middle, scale } = await centre(page);
  const y = middle + below_mm * scale;
  const start = outOfCentre ? 0 : -0.5;
  await page.mouse.move(x + start * x_mm * scale, y + start * y_mm * scale);
  await page.mouse.down();
  await page.mouse.move(x + 1, y + 1);
  await page.mouse.move(x + (x_mm / 2) * scale, y + (y_mm / 2) * scale);
  await page.mouse.up();
}

export const measured = (page) => page.locator('#vw-measures li .link').allInnerTexts();
