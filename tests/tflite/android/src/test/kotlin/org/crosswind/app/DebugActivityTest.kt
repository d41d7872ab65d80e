package org.crosswind.app

import android.widget.TextView
import org.crosswind.app.FormPage.Companion.all
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.annotation.Config

@RunWith(ScreenTestRunner::class)
@App("target/screens.apk")
@Config(sdk = [24, 35])
class DebugActivityTest {
    @Test
    fun `all golden rows pass, and 100 calls are timed`() {
        val activity = Robolectric.buildActivity(DebugActivity::class.java).setup().get()
        val text = all(activity.findViewById(R.id.report)).filterIsInstance<TextView>().joinToString("\n") { it.text }
        val rows = Published.card.golden.size
        assertTrue(text, "$rows of $rows golden rows as expected" in text)
        assertTrue(text, "Real ${Published.card.words.rows}, with the scores" in text)
        assertTrue(text, Regex("""100 calls: p50 \d+\.\d\d ms, p99 \d+\.\d\d ms""").containsMatchIn(text))
        assertTrue(text, "version ${Published.card.version}" in text)
    }
}
