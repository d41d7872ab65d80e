package org.crosswind.app

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Rect
import android.view.View
import java.io.File
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

private const val TALL = "w360dp-h2500dp" // the whole form in one picture

/** Android's own drawing code, to target/screenshots, by day and by night. */
@RunWith(ScreenTestRunner::class)
@App("target/screens.apk")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [35], qualifiers = "w360dp-h740dp-xhdpi")
class ScreenshotTest {
    @Test
    fun `form and answer, which comes into view`() {
        val activity = main()
        picture("form") { activity } // a scroll moves when it is drawn
        val result: View = activity.findViewById(R.id.result)
        val seen = Rect()
        assertTrue("$seen", result.getGlobalVisibleRect(seen) && seen.height() == result.height)
    }

    @Test
    fun `what is not entered is asked for`() = picture("start") { main(entered = false) }

    @Test
    @Config(qualifiers = "+night")
    fun `form and answer at night`() = picture("form-night") { main() }

    @Test
    @Config(qualifiers = "$TALL-xhdpi")
    fun `whole form`() = picture("whole") { main(unfolded = true) }

    @Test
    @Config(qualifiers = "$TALL-night-xhdpi")
    fun `whole form at night`() = picture("whole-night") { main(unfolded = true) }

    @Test
    @Config(qualifiers = "+land")
    fun `form and answer in landscape`() = picture("land") { main() }

    @Test
    fun `large letters`() {
        RuntimeEnvironment.setFontScale(2f)
        picture("large") { main() }
    }

    @Test
    fun `check of the model`() = picture("debug") { Robolectric.buildActivity(DebugActivity::class.java).setup().get() }

    private fun main(unfolded: Boolean = false, entered: Boolean = true): Activity {
        val activity = Robolectric.buildActivity(MainActivity::class.java).setup().get()
        val page = FormPage(activity)
        if (entered) page.enterNeeded(Published.card.golden.first().row)
        if (unfolded) page.tap(R.id.more)
        page.tap(R.id.predict)
        return activity
    }

    /** Draws what [open] shows, and checks that it is bright by day and dark at night. */
    private fun picture(name: String, open: () -> Activity) {
        val view: View = open().window.decorView
        FormPage.rest()
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        val file = File("target/screenshots/$name.png").apply { parentFile!!.mkdirs() }
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        val brightness = Color.luminance(bitmap.getPixel(view.width - 1, view.height - 1))
        assertTrue("$brightness", if (name.endsWith("night")) brightness < 0.1 else brightness > 0.8)
        val pixels = IntArray(view.width * view.height)
        bitmap.getPixels(pixels, 0, view.width, 0, 0, view.width, view.height)
        assertTrue("an empty picture", pixels.distinct().size > 100)
    }
}
